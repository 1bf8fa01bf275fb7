"""`python -m selflabel` is the command `selflabel`."""

from selflabel.cli import main

if __name__ == "__main__":
    main()
