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
	src/model/chat.h \
	src/model/event.h \
	src/model/jid.h \
	src/model/message.h \
	src/model/presence.h \
	src/model/roster.h \
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
	src/xmpp/iq.h \
	src/xmpp/outbox.h \
	src/xmpp/rfc6120_session.h \
	src/xmpp/stanza.h \
	src/xep/privacy.h \
	src/xep/xep0004_form.h \
	src/xep/xep0012_last.h \
	src/xep/xep0030_disco.h \
	src/xep/xep0077_register.h \
	src/xep/xep0085_chatstates.h \
	src/xep/xep0191_blocking.h \
	src/xep/xep0352_csi.h \
	src/app/app.h
LIBTXMPP = libtxmpp.a $(TXMPP_LIBS)

