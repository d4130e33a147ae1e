"""What the bot decides: pure, synchronous, exact.

Nothing here does I/O, reads a clock, draws a random number or logs; time and ids arrive as arguments. The room imports
the standard library only, so every decision can be replayed from its inputs.
"""
