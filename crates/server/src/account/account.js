// Shows whose session this is, the person's tokens and second factors. Text from the server is set as text, never as markup.
"use strict";
(function () {
  const at = (id) => document.getElementById(id);

  async function api(method, path, body) {
    const headers = body ? { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() } : {};
    const response = await fetch("/api/v1" + path, { method, headers, body: body && JSON.stringify(body) });
    const value = await response.json();
    if (response.ok) return value;
    const error = new Error(value.detail + ". To do: " + value.remedy);
    error.status = response.status;
    throw error;
  }

  function complain(error) {
    at("alert").textContent = error.message;
    at("alert").hidden = false;
  }

  function day(text) {
    return text.slice(0, 10);
  }

  function row(token) {
    const line = document.createElement("tr");
    for (const text of [token.label, token.environment || "none", day(token.issued_at), day(token.expires_at)]) {
      line.insertCell().textContent = text;
    }
    const end = document.createElement("button");
    end.textContent = "Revoke";
    end.setAttribute("aria-label", "Revoke " + token.label);
    end.addEventListener("click", () => act(async () => {
      await api("POST", "/tokens/" + token.id + "/revoke", {});
      await list();
    }));
    line.insertCell().append(end);
    return line;
  }

  async function list() {
    const tokens = [];
    let after = "";
    do {
      const page = await api("GET", "/whoami/tokens?limit=200" + after);
      tokens.push(...page.items);
      after = page.next ? "&after=" + encodeURIComponent(page.next) : null;
    } while (after);
    const now = new Date().toISOString();
    const live = tokens.filter((token) => !token.revoked_at && token.expires_at > now);
    at("tokens").replaceChildren(...live.map(row));
    at("none").hidden = live.length > 0;
  }

  // The code of a factor that is enrolled, if one was typed in; it works once.
  function present() {
    const code = at("present").value.trim();
    at("present").value = "";
    return code ? { code } : null;
  }

  // Bytes and base64url without padding.
  function text(buffer) {
    const plain = btoa(String.fromCharCode(...new Uint8Array(buffer)));
    return plain.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  function bytes(value) {
    return Uint8Array.from(atob(value.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  }

  const keys = (challenge) => challenge.credentials.map((id) => ({ type: "public-key", id: bytes(id) }));

  // The code that was typed in, or what a passkey signs for this act; nothing if there is neither.
  async function shown(purpose) {
    const code = present();
    if (code) return code;
    const own = await api("GET", "/whoami/factors");
    if (!own.items.some((factor) => factor.kind === "passkey")) return null;
    const asked = await api("POST", "/whoami/factors/challenge", { purpose });
    const { id, response } = await navigator.credentials.get({
      publicKey: {
        challenge: bytes(asked.challenge), rpId: asked.site, userVerification: "required", allowCredentials: keys(asked),
      },
    });
    return {
      passkey: {
        credential: id,
        client_data: text(response.clientDataJSON),
        authenticator_data: text(response.authenticatorData),
        signature: text(response.signature),
      },
    };
  }

  at("passkey").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    act(async () => {
      const { id, passkey } = await api("POST", "/whoami/factors/begin", { kind: "passkey" });
      const second_factor = await shown({ act: "enrol", factor: id });
      const name = at("name").textContent;
      const { response } = await navigator.credentials.create({
        publicKey: {
          challenge: bytes(passkey.challenge),
          rp: { id: passkey.site, name: "Comptroller" },
          user: { id: bytes(passkey.user), name: at("email").textContent || name, displayName: name },
          pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }],
          authenticatorSelection: { userVerification: "required" },
          excludeCredentials: keys(passkey),
          attestation: "none",
        },
      });
      const made = {
        client_data: text(response.clientDataJSON), authenticator_data: text(response.getAuthenticatorData()),
      };
      await api("POST", "/whoami/factors", { id, label: form.label.value, passkey: made, second_factor });
      form.reset();
      await listFactors();
    });
  });

  function done(receipt) {
    at("done").textContent = "On record: entry " + receipt.ledger_index + " of the log.";
    at("done").hidden = false;
  }

  // Shows what is voted on before anybody signs.
  at("vote").approval.addEventListener("change", (event) => act(async () => {
    at("about").hidden = true;
    const request = await api("GET", "/approvals/" + encodeURIComponent(event.target.value.trim()));
    at("about").textContent = "Version " + request.version + " to " + request.environment + ", " + request.state +
      ", until " + day(request.expires_at) + ": " + request.reason;
    at("about").hidden = false;
  }));

  at("vote").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    act(async () => {
      const approval = form.approval.value.trim();
      const vote = event.submitter ? event.submitter.value : "";
      const in_stead_of = form.in_stead_of.value.trim() || null;
      const second_factor = await shown({ act: "vote", approval, vote, in_stead_of });
      const body = { vote, in_stead_of, comment: form.comment.value, second_factor };
      done(await api("POST", "/approvals/" + encodeURIComponent(approval) + "/votes", body));
      form.reset();
      at("about").hidden = true;
    });
  });

  at("confirm").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    act(async () => {
      const emergency = form.emergency.value.trim();
      const body = { comment: form.comment.value, second_factor: await shown({ act: "confirm", emergency }) };
      done(await api("POST", "/emergencies/" + encodeURIComponent(emergency) + "/confirmation", body));
      form.reset();
    });
  });

  at("delegate").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    act(async () => {
      const terms = {
        delegate: form.delegate.value.trim(), system: form.system.value.trim() || null, days: Number(form.days.value),
      };
      const second_factor = await shown({ act: "delegate", ...terms });
      done(await api("POST", "/delegations", { ...terms, reason: form.reason.value, second_factor }));
      form.reset();
    });
  });

  function factorRow(factor) {
    const line = document.createElement("tr");
    for (const text of [factor.label, factor.kind, day(factor.enrolled_at)]) {
      line.insertCell().textContent = text;
    }
    const end = document.createElement("button");
    end.textContent = "Remove";
    end.setAttribute("aria-label", "Remove " + factor.label);
    end.addEventListener("click", () => act(async () => {
      const second_factor = await shown({ act: "remove", factor: factor.id });
      await api("POST", "/whoami/factors/" + factor.id + "/remove", { second_factor });
      await listFactors();
    }));
    line.insertCell().append(end);
    return line;
  }

  async function listFactors() {
    const own = await api("GET", "/whoami/factors");
    at("factors").replaceChildren(...own.items.map(factorRow));
    at("no-factors").hidden = own.items.length > 0;
    at("asked").textContent = own.asked_of_all
      ? "This server asks everybody for it."
      : "This server asks those who have one.";
  }

  let begun = null;
  at("begin").addEventListener("click", () => act(async () => {
    begun = await api("POST", "/whoami/factors/begin", { kind: "totp" });
    at("app-secret").textContent = begun.secret;
    at("app-address").href =
      "otpauth://totp/Comptroller:" + encodeURIComponent(location.host) + "?secret=" + begun.secret + "&issuer=Comptroller";
    at("enrol").hidden = false;
  }));
  at("enrol").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    act(async () => {
      await api("POST", "/whoami/factors", {
        id: begun.id,
        label: form.label.value,
        code: form.code.value.trim(),
        second_factor: await shown({ act: "enrol", factor: begun.id }),
      });
      at("app-secret").textContent = "";
      at("app-address").href = "#";
      form.hidden = true;
      form.reset();
      await listFactors();
    });
  });

  async function act(work) {
    at("alert").hidden = true;
    try {
      await work();
    } catch (error) {
      complain(error);
    }
  }

  at("make").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    act(async () => {
      const made = await api("POST", "/whoami/tokens", {
        label: form.label.value,
        environment: form.environment.value || null,
        days: Number(form.days.value),
      });
      at("secret").textContent = made.secret;
      at("made").hidden = false;
      form.label.value = "";
      await list();
    });
  });

  act(async () => {
    let me;
    try {
      me = await api("GET", "/whoami");
    } catch (error) {
      if (error.status !== 401) throw error;
      at("out").hidden = false;
      return;
    }
    at("name").textContent = me.person ? me.person.name : me.slug;
    at("email").textContent = me.person ? me.person.email : "";
    at("id").textContent = me.id;
    const roles = me.roles.map((role) => role.role + (role.system ? " of system " + role.system : ""));
    at("roles").textContent = roles.join(", ") || "none: ask an owner or administrator for one";
    at("in").hidden = false;
    await list();
    await listFactors();
  });
})();
