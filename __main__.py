"""`python -m limner` is the `limner` command."""

from .cli.app import main

if __name__ == "__main__":
    main()
