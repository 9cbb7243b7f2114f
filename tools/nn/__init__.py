"""Pure tensor code in the papers' symbols: no files, no models of their own."""
