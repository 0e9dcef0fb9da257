"""What one asks about a run or a machine: what it holds, what fits, how fast it is, how a release is made."""
