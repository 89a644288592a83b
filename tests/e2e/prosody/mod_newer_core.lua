-- The modules of SASL2 are written for the next Prosody: what they ask of a
-- connection, a stanza, an event and a clock, and this one does not have yet.
local stanza = require "util.stanza".stanza_mt;
function stanza:get_child_attr(name, xmlns, attribute)
	local child = self:get_child(name, xmlns);
	return child and child.attr[attribute];
end

local datetime = require "util.datetime";
local stamp = datetime.datetime;
function datetime.datetime(time)
	return stamp(time and math.floor(time));
end

local newer = {};
function newer:ssl_info()
	return self:socket():info();
end
function newer:ssl_peerfinished()
	return self:socket():getpeerfinished();
end
function newer:ssl_exportkeyingmaterial(...)
	return self:socket():exportkeyingmaterial(...);
end

module:hook("stream-features", function (event)
	local session = event.origin;
	local methods = getmetatable(session.conn).__index;
	for name, method in pairs(newer) do
		methods[name] = methods[name] or method;
	end
	if not session.secure then -- of the header that follows TLS
		local open_stream = session.open_stream;
		function session:open_stream(from, to)
			self.said_from = to;
			return open_stream(self, from, to);
		end
	end
end, 1000);

module:hook("advertise-sasl-features", function (event)
	event.stream = event.stream or { from = event.origin.said_from };
	event.origin.bound_handler = event.origin.sasl_handler;
end, 1000);

-- The older profile replaced the handler that knows of channel binding.
module:hook_tag("urn:xmpp:sasl:2", "authenticate", function (session)
	local handler, bound = session.sasl_handler, session.bound_handler;
	if handler and handler.fast and bound then
		handler.profile.cb, handler.userdata = bound.profile.cb, bound.userdata;
	end
end, 50);
