"""Allocations by the million: executions out of the database as bytes, rows back into it as bytes.

One connection does it in one transaction: `reading` takes the executions out of a binary COPY, `columns` brings them
to whole numbers and refuses what does not fit, `matching` lets sells meet buys, `encoding` writes the binary COPY that
the rows come back in. These four are compiled (`compiling`); without the compiler, and for whatever does not fit into
64 bits, `plain` takes the executions through `domain.lots` to the same rows. `allocating` chooses.
"""
