"""Real time and real randomness."""
