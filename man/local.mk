# man
dist_man_MANS += man/veredus-imapd.8
dist_man_MANS += man/veredus-pop3d.8
