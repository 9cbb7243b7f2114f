"""What Limner starts from."""
