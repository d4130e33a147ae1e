"""Everything durable: the embedded server, the schema, and the store on top of them."""
