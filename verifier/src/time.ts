// Times as people read them. Microseconds since 1970 UTC are what the log holds.

/** To the second, in UTC. */
export function moment(micros: number): string {
  const date = new Date(Math.floor(micros / 1000));
  if (Number.isNaN(date.getTime())) return `${micros} µs since 1970`;
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
