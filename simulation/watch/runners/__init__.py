"""What is promised of runners: their places, the frames that they get, and the calls that they think for."""
