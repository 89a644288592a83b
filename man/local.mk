# Manual pages. A page with a frame (.in) gets its tables from the program:
# "make man" writes it again, the result is committed, and a test fails when it
# is stale.
dist_man_MANS = man/txmpp.1 man/txmpp-script.7 man/txmpp.conf.5 \
	man/txmpp-themes.5 man/txmpp-commands.7 man/txmpp-keys.7
EXTRA_DIST += man/txmpp.conf.5.in man/txmpp-themes.5.in man/txmpp-commands.7.in man/txmpp-keys.7.in \
	man/fill.sh man/txmpp.desktop man/screen.svg \
	man/tour-start.svg man/tour-help.svg man/tour-split.svg \
	man/tour-palette.svg po/tables.h
# The first page in other languages; ./check keeps them in step.
man_rudir = $(mandir)/ru/man1
dist_man_ru_DATA = man/ru/txmpp.1
man_zhdir = $(mandir)/zh_CN/man1
dist_man_zh_DATA = man/zh_CN/txmpp.1
desktopdir = $(datadir)/applications
dist_desktop_DATA = man/txmpp.desktop

.PHONY: man
man: txmpp
	for page in txmpp.conf.5 txmpp-themes.5 txmpp-commands.7 txmpp-keys.7; do \
	    sh $(srcdir)/man/fill.sh ./txmpp $(srcdir)/man/$$page.in \
	        >$(srcdir)/man/$$page || exit 1; done
	./txmpp --print-manual words >$(srcdir)/po/tables.h
	./txmpp --print-manual doap >$(srcdir)/txmpp.doap

# The pictures of the README, from the real screen.
.PHONY: tour
tour: txmpp
	/usr/bin/python3 $(srcdir)/tests/tour.py --binary ./txmpp --out $(srcdir)/man
