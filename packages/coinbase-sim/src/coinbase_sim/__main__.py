"""`python -m coinbase_sim` is `coinbase-sim`."""

from coinbase_sim.cli import main

main()
