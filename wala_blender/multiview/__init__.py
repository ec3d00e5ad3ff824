"""Words → pictures of one thing from several published cameras (MVDream), for the models that make shapes of such pictures."""
