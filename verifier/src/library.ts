// The modules without the page, for tests in Node.js.

export * from "./bytes.ts";
export * from "./entry.ts";
export * from "./json.ts";
export * from "./key.ts";
export * from "./merkle.ts";
export * from "./note.ts";
export * from "./point.ts";
export * from "./policy.ts";
export * from "./report.ts";
export * from "./sha256.ts";
export * from "./tar.ts";
export * from "./tiles.ts";
export * from "./token.ts";
export * from "./verify.ts";
