"""`python -m bottrader.cli`."""

from bottrader.cli import main

main()
