#![doc = "kit"]
