#!version:1.0.0.1
include:config "y000000000029.cfg"
include:config "001565000a0c.cfg"
overwrite_mode = 1
