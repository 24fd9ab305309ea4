"""The settings by what they are about, a module each; `Config` is all of them together."""
