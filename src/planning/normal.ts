/** The standard normal distribution: M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 1964. */
export const standardNormal = {
  density: (z: number): number => Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI),

  /** The share that is below; 26.2.17, off by less than 1e-7. */
  below(z: number): number {
    const t = 1 / (1 + 0.2316419 * Math.abs(z));
    const tail =
      standardNormal.density(z) *
      t *
      (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    return z >= 0 ? 1 - tail : tail;
  },

  /** Below which a share `p` is; 26.2.23, off by less than 0.00045. */
  quantile(p: number): number {
    if (p > 0.5) return -standardNormal.quantile(1 - p);
    if (p < 1e-300) return -37;
    const t = Math.sqrt(-2 * Math.log(p));
    const above = 2.515517 + t * (0.802853 + t * 0.010328);
    const below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    return above / below - t;
  },

  /** Of what is above `z`, how dense it is there (the inverse of Mills' ratio). */
  hazard(z: number): number {
    // Far out the share above is too small for the sum: its expansion for large z (26.2.12) is not.
    if (z > 4) return z + 1 / z - 2 / z ** 3;
    return standardNormal.density(z) / standardNormal.below(-z);
  },
};
