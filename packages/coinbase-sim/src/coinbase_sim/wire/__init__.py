"""The venue's own protocol: REST v3, WebSocket and tokens in front of the simulator."""
