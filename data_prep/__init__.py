"""From a folder of photos to TFRecords: reading, handcrafted saliency maps, shards."""
