#!version:1.0.0.1
include:config "y000000000180.cfg"
include:config "001565000a0b.cfg"
overwrite_mode = 1
