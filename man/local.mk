# man
dist_man_MANS += man/veredus-imapd.8
