# Everything without a screen is one library; an upward call is a link error.
noinst_LIBRARIES += libtxmpp.a
libtxmpp_a_SOURCES = \
	src/base/auto.h \
	src/base/log.h \
	src/base/paths.h \
	src/base/secret.h \
	src/base/stamp.h \
	src/base/text.h \
	src/model/account.h \
	src/model/account.c \
	src/model/chat.h \
	src/model/chat.c \
	src/model/event.h \
	src/model/event.c \
	src/model/jid.h \
	src/model/message.h \
	src/model/message.c \
	src/model/presence.h \
	src/model/presence.c \
	src/model/roster.h \
	src/model/roster.c \
	src/store/option.h \
	src/cmd/command.h \
	src/cmd/front.h \
	src/cmd/job.h \
	src/cmd/registry.h \
	src/cmd/sink.h \
	src/net/dial.c \
	src/net/dial.h \
	src/net/guard.h \
	src/net/link.h \
	src/net/relay.h \
	src/net/sasl.h \
	src/net/stream.h \
	src/net/tls.c \
	src/net/tls.h \
	src/xmpp/feature.h \
	src/xmpp/inbox.h \
	src/xmpp/inbox.c \
	src/xmpp/iq.h \
	src/xmpp/iq.c \
	src/xmpp/outbox.h \
	src/xmpp/outbox.c \
	src/xmpp/rfc6120_session.h \
	src/xmpp/rfc6120_session.c \
	src/xmpp/rfc6121_message.c \
	src/xmpp/rfc6121_presence.h \
	src/xmpp/rfc6121_presence.c \
	src/xmpp/rfc6121_roster.c \
	src/xmpp/stanza.h \
	src/xmpp/stanza.c \
	src/xmpp/testing.h \
	src/xep/privacy.h \
	src/xep/xep0004_form.h \
	src/xep/xep0012_last.h \
	src/xep/xep0030_disco.h \
	src/xep/xep0077_register.h \
	src/xep/xep0085_chatstates.h \
	src/xep/xep0191_blocking.h \
	src/xep/xep0352_csi.h \
	src/features.c \
	src/app/app.h
LIBTXMPP = libtxmpp.a $(TXMPP_LIBS)

