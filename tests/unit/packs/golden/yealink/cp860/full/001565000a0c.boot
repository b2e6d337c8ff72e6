#!version:1.0.0.1
include:config "y000000000037.cfg"
include:config "001565000a0c.cfg"
overwrite_mode = 1
