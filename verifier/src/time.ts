// Times as people read them. Microseconds since 1970 UTC are what the log holds.

/** To the second, in UTC. */
export function moment(micros: number): string {
  const date = new Date(Math.floor(micros / 1000));
  if (Number.isNaN(date.getTime())) return `${micros} µs since 1970`;
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** With every digit that was recorded. */
export function exactMoment(micros: number): string {
  const fraction = String(((micros % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, "0");
  return moment(micros).replace(" UTC", `.${fraction} UTC`);
}
