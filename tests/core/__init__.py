"""The framework-free core: rules over a scripted port, then the real client on real servers."""
