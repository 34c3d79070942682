// asc looks for "wasmlane" here.
export * from "./assembly";
