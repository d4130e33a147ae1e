"""First in, first out, computed by the database alone: running sums and intervals, no loop and no queue.

Put all units ever bought of a product on a line, in ledger order; a buy is the interval between two running sums. With
B units bought and S sold so far, U = max(0, S - B) up to now is what was sold without having been bought, and S - U is
how far along the line sells have come. A sell therefore takes the interval between its S - U and that of the sell
before. Cut the line where a buy or a sell ends: each piece is one row.

Shares no code and no idea with the queue of `bottrader.domain.lots`, so that each is a witness for the other.
"""


def _assigned(side: str, consumed: str) -> str:
    """Return SQL for the part of a fee that goes with the first `consumed` units of an execution, rounded down."""
    quantum = f"('1e-' || greatest(8, min_scale({side}.fee)))::numeric"
    fee, whole = f"({side}.fee * ({consumed}))", f"({side}.size * {quantum})"
    # `div` cuts towards zero, so a rebate that leaves a remainder is one quantum lower.
    return f"(div({fee}, {whole}) - CASE WHEN mod({fee}, {whole}) < 0 THEN 1 ELSE 0 END) * {quantum}"


def _share(side: str, since: str, until: str) -> str:
    return f"{_assigned(side, until)} - {_assigned(side, since)}"


ROWS = f"""
WITH traded AS (
    SELECT *, row_number() OVER ledger AS number,
        coalesce(sum(size) FILTER (WHERE side = 'buy') OVER ledger, 0) AS bought,
        coalesce(sum(size) FILTER (WHERE side = 'sell') OVER ledger, 0) AS sold
    FROM executions WHERE size > 0
    WINDOW ledger AS (PARTITION BY product_id ORDER BY executed_at, sequence, side = 'sell', execution_id COLLATE "C"
                      ROWS UNBOUNDED PRECEDING)),
buy AS (
    SELECT *, bought - size AS since, bought AS until,
        row_number() OVER (PARTITION BY product_id ORDER BY number) AS nth
    FROM traded WHERE side = 'buy'),
reached AS (
    SELECT *, sold - max(greatest(sold - bought, 0)) OVER (PARTITION BY product_id ORDER BY number
                                                           ROWS UNBOUNDED PRECEDING) AS until
    FROM traded WHERE side = 'sell'),
sell AS (
    SELECT *, lag(until, 1, 0::numeric) OVER (PARTITION BY product_id ORDER BY number) AS since FROM reached),
matched AS (
    SELECT *, row_number() OVER (PARTITION BY product_id ORDER BY number) AS nth FROM sell WHERE until > since),
cut AS (
    SELECT product_id, until, sum(buys)::bigint AS buys, sum(sells)::bigint AS sells
    FROM (SELECT product_id, until, 1 AS buys, 0 AS sells FROM buy
          UNION ALL SELECT product_id, until, 0, 1 FROM matched) ends
    GROUP BY product_id, until),
piece AS (
    SELECT product_id, lag(until, 1, 0::numeric) OVER line AS since, until,
        (sum(buys) OVER line)::bigint - buys + 1 AS nth_buy,
        (sum(sells) OVER line)::bigint - sells + 1 AS nth_sell
    FROM cut WINDOW line AS (PARTITION BY product_id ORDER BY until ROWS UNBOUNDED PRECEDING)),
made AS (
    SELECT sell.product_id, sell.number AS sell_number, buy.number AS buy_number, piece.until - piece.since AS size,
        sell.order_id AS sell_order_id, buy.order_id AS buy_order_id, sell.execution_id AS sell_execution_id,
        buy.execution_id AS buy_execution_id, sell.price AS sell_price, buy.price AS buy_price,
        {_share("sell", "piece.since - sell.since", "piece.until - sell.since")} AS sell_fee,
        {_share("buy", "piece.since - buy.since", "piece.until - buy.since")} AS buy_fee,
        sell.executed_at AS sell_time, buy.executed_at AS buy_time
    FROM piece
    JOIN matched sell ON sell.product_id = piece.product_id AND sell.nth = piece.nth_sell
    JOIN buy ON buy.product_id = piece.product_id AND buy.nth = piece.nth_buy
    UNION ALL
    SELECT product_id, number, NULL, size - (until - since), order_id, NULL, execution_id, NULL, price, NULL,
        {_share("sell", "until - since", "size")}, NULL, executed_at, NULL
    FROM sell WHERE size > until - since)
SELECT product_id AS symbol,
    row_number() OVER (PARTITION BY product_id ORDER BY sell_number, buy_number NULLS LAST) - 1 AS position,
    sell_order_id, buy_order_id, sell_execution_id, buy_execution_id, size AS allocated_size, buy_price, sell_price,
    buy_fee, sell_fee, size * buy_price + buy_fee AS cost_basis_usd, size * sell_price AS proceeds_usd,
    size * sell_price - sell_fee AS net_proceeds_usd,
    size * sell_price - sell_fee - (size * buy_price + buy_fee) AS pnl_usd, buy_time, sell_time
FROM made ORDER BY product_id COLLATE "C", 2"""  # noqa: S608 - from the constants above
