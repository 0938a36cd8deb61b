"""What the crossdock's commands are made of: peers, chains, comparison, capture, tables."""
