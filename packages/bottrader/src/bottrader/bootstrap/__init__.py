"""The only room that knows both sides: it builds adapters and hands them to use cases."""
