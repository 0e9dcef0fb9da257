"""Jewellery, coins, arms and armour."""
