"""What a folder of records keeps beside them."""

SOURCE = "source.json"  # written first: maps already made are of these photos
PREPARED = "prepared"  # written last
