# Everything without a screen is one library; an upward call is a link error.
noinst_LIBRARIES += libtxmpp.a
libtxmpp_a_SOURCES = \
	src/base/auto.h \
	src/base/log.c src/base/log.h \
	src/base/paths.c src/base/paths.h \
	src/base/secret.c src/base/secret.h \
	src/base/stamp.c src/base/stamp.h \
	src/base/text.c src/base/text.h \
	src/model/account.c src/model/account.h \
	src/model/chat.c src/model/chat.h \
	src/model/event.c src/model/event.h \
	src/model/jid.c src/model/jid.h \
	src/model/message.c src/model/message.h \
	src/model/presence.c src/model/presence.h \
	src/model/roster.c src/model/roster.h \
	src/store/option.c src/store/option.h \
	src/cmd/args.c \
	src/cmd/command.h \
	src/cmd/complete.c \
	src/cmd/front.h \
	src/cmd/help.c \
	src/cmd/job.c src/cmd/job.h \
	src/cmd/mdoc.c src/cmd/mdoc.h \
	src/cmd/registry.c src/cmd/registry.h \
	src/cmd/sink.h \
	src/net/dial.c src/net/dial.h \
	src/net/guard.c src/net/guard.h \
	src/net/link.c src/net/link.h \
	src/net/relay.c src/net/relay.h \
	src/net/sasl.c src/net/sasl.h \
	src/net/stream.c src/net/stream.h \
	src/net/tls.c src/net/tls.h \
	src/xmpp/feature.h \
	src/xmpp/inbox.c src/xmpp/inbox.h \
	src/xmpp/iq.c src/xmpp/iq.h \
	src/xmpp/outbox.c src/xmpp/outbox.h \
	src/xmpp/rfc6120_session.c src/xmpp/rfc6120_session.h \
	src/xmpp/rfc6121_message.c src/xmpp/rfc6121_message.h \
	src/xmpp/rfc6121_presence.c src/xmpp/rfc6121_presence.h \
	src/xmpp/rfc6121_roster.c src/xmpp/rfc6121_roster.h \
	src/xmpp/stanza.c src/xmpp/stanza.h \
	src/features.c \
	src/app/app.c src/app/app.h \
	src/script/script.c src/script/script.h \
	src/script/sink_json.c \
	src/script/sink_text.c
LIBTXMPP = libtxmpp.a $(TXMPP_LIBS)

bin_PROGRAMS += txmpp
txmpp_SOURCES = src/main.c
txmpp_LDADD = libui.a $(LIBTXMPP) $(CURSES_LIBS) $(READLINE_LIBS) $(LTLIBINTL)
