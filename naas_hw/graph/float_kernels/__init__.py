"""What each kind of operator computes, in numpy."""
