"""The options of `coinbase-sim serve`, with the words its help shows."""

from pathlib import Path
from typing import Annotated

import typer

from coinbase_sim.drafts import DuplicateIds

Port = Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="Port for http and ws; 0 takes a free one.")]
Host = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Address to listen on. Whoever reaches it may turn the exchange's knobs: beyond this machine only in a "
        "network of your own, such as that of containers.",
    ),
]
TlsPort = Annotated[
    int | None,
    typer.Option(metavar="PORT", min=0, max=65535, help="Also serve https and wss here; 0 takes a free port."),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of the synthetic market; one seed, one market.")]
Candles = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Replay these candles (CSV or Parquet: time, open, high, low, close, volume) instead."
    ),
]
ManualPrice = Annotated[
    str | None, typer.Option(metavar="PRICE", help="Stand still at this price; move it with POST /control/price.")
]
Products = Annotated[
    list[str] | None,
    typer.Option(metavar="BASE-QUOTE", help="A product to list, such as BTC-USD; repeat for more. [default: BTC-USD]"),
]
Balances = Annotated[
    list[str] | None,
    typer.Option(metavar="CURRENCY=AMOUNT", help="A starting balance; repeat for more. [default: USD=10000]"),
]
MakerFee = Annotated[str, typer.Option(metavar="RATE", help="Maker fee; 0.004 is 0.4 %.")]
TakerFee = Annotated[str, typer.Option(metavar="RATE", help="Taker fee; 0.008 is 0.8 %.")]
Speed = Annotated[
    str | None,
    typer.Option(
        metavar="X|max",
        help="Venue seconds per second: 1 is real time, max as fast as clients read, 0 only POST /control/step. "
        "[default: 1; 0 with --manual]",
    ),
]
KeyDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the API key is kept, made on the first start. [default: thrown away]"),
]
StateFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Go on from this file if it exists, and write it at the end.")
]
Durable = Annotated[
    bool,
    typer.Option("--durable", help="Write the state after each change, so that a kill of this process loses none."),
]
Warmup = Annotated[int, typer.Option(metavar="N", min=0, help="Ticks to take before serving, so that history exists.")]
ExchangeName = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Goes into order and trade ids: name a fresh exchange anew for a bot that remembers."
    ),
]
Heartbeat = Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Seconds between heartbeats; 0: none.")]
Auth = Annotated[bool, typer.Option(help="Verify the tokens of private requests.")]
PrivateLimit = Annotated[
    float | None,
    typer.Option(metavar="N", min=0.001, help="Refuse with 429 what a member asks faster than N a second; venue: 30."),
]
PublicLimit = Annotated[
    float | None,
    typer.Option(metavar="N", min=0.001, help="Refuse with 429 public requests faster than N a second; venue: 10."),
]
QuietClose = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", min=0.001, help="Close sockets without heartbeats to which nothing was sent so long."
    ),
]
DuplicateIdsMeaning = Annotated[
    DuplicateIds, typer.Option(help="A known client order id is the existing order again, or is refused.")
]
Levels = Annotated[
    int, typer.Option(metavar="N", min=1, max=20_000, help="Price levels on each side of the displayed book.")
]
FaultScript = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A script of faults in JSON, as POST /control/faults takes it.")
]
EventLogFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write every event here, a line of JSON each: one seed and script, one file."),
]
