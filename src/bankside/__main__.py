"""`python -m bankside` is the command line."""

from bankside.app.main import main

if __name__ == "__main__":
    main()
