"""The outside world behind the ports: one package per system, and none of them knows another."""
