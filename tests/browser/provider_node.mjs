// An identity provider for tests: oidc-provider, with one client, whose login form takes any name.
// Usage: node provider.mjs MODULES PORT REDIRECT_URI
import { pathToFileURL } from "node:url";

const [modules, port, redirect] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "comptroller", client_secret: "of-the-test", redirect_uris: [redirect] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  cookies: { keys: ["of-the-test"] },
  pkce: { required: () => true },
  // Whoever signs in as NAME has the verified address NAME@example.org.
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
