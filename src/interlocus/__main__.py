"""`python -m interlocus`."""

from interlocus.cli.main import main

if __name__ == "__main__":
    main()
