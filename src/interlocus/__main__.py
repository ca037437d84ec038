"""`python -m interlocus`."""

from interlocus.cli import main

if __name__ == "__main__":
    main()
