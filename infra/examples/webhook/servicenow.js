// ServiceNow: file an access request when a requested item is approved.
//
// Where: an async business rule on sc_req_item (after update, when approval changes to approved).
// Async, because a sync rule makes the user's form wait. In a scoped application, so that the
// secret is readable by that application alone.
//
// keylease side: a webhook tenant whose secret is the same text (not whsec_...), and
//   files_for: ["webhook"]     so that it may name people by their ServiceNow sys_id; each such
// person stands in the directory as {platform: webhook, tenant: <tenant>, subject: <sys_id>}.
//
// RESTMessageV2 does not retry: a flow's REST step does, and either may be sent again with the same
// webhook-id without a second effect.
(function executeRule(current) {
  var TENANT_URL = gs.getProperty('x_keylease.url'); // https://keylease.example.com/hooks/webhook/servicenow
  var secret = gs.getProperty('x_keylease.secret'); // a password2 property, 32 random characters or more
  var variables = current.variables;

  var body = JSON.stringify({
    type: 'access.request',
    data: {
      requester: String(current.requested_for), // a sys_id never changes; names and e-mail addresses do
      target: String(variables.target),
      permissions: [
        { resource: 'topic', name: String(variables.topic), actions: [String(variables.action)] }
      ],
      duration: String(variables.hours) + 'h',
      reason: String(variables.reason),
      ticket: String(current.number)
    }
  });

  // Constant over re-sends of the same change: this is what makes a second delivery harmless.
  var id = 'sn_' + current.sys_id + '_' + current.sys_mod_count;
  var stamp = String(Math.floor(new GlideDateTime().getNumericValue() / 1000));
  var mac = new CertificateEncryption().generateMac(
    gs.base64Encode(secret), 'HmacSHA256', id + '.' + stamp + '.' + body);

  var message = new sn_ws.RESTMessageV2();
  message.setEndpoint(TENANT_URL);
  message.setHttpMethod('POST');
  message.setRequestHeader('Content-Type', 'application/json');
  message.setRequestHeader('webhook-id', id);
  message.setRequestHeader('webhook-timestamp', stamp);
  message.setRequestHeader('webhook-signature', 'v1,' + mac);
  message.setRequestBody(body);

  var response = message.execute();
  var status = response.getStatusCode();
  if (status === 200) {
    current.work_notes = 'keylease: ' + JSON.parse(response.getBody()).text;
  } else if (status === 422 || status === 400 || status === 403) {
    // Nothing was requested; the answer says what to mend. Sending it again would not help.
    current.work_notes = 'keylease refused it: ' + response.getBody();
  } else {
    gs.error('keylease answered ' + status + ' to ' + id); // 401: check secret and clock; 5xx: send again
  }
  current.update();
})(current);
