"""`rtp bench`: each module measures one promise of speed, memory or quality."""
