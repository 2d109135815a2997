"""What every package needs: errors, the version, the files shipped beside the code."""
