"""Every place that holds something about people, and how it is taken out of there."""
