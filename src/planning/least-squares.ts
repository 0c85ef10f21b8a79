/**
 * Ridge regression that learns one example at a time and forgets: the normal equations `XᵀX` and `Xᵀy` of
 * weighted least squares, where an example's weight is `retained` to the power of its age in examples.
 * Coefficients are pulled towards a prior, so there is an answer from the first example on (Hoerl and
 * Kennard, "Ridge regression", Technometrics 12, 1970).
 */
export class LeastSquares {
  readonly #size: number;
  readonly #retained: number;
  readonly #products: Float64Array;
  readonly #targets: Float64Array;

  constructor(size: number, retained: number) {
    this.#size = size;
    this.#retained = retained;
    this.#products = new Float64Array(size * size);
    this.#targets = new Float64Array(size);
  }

  learn(inputs: Float64Array, target: number): void {
    const size = this.#size;
    for (let row = 0; row < size; row++) {
      const input = inputs[row]!;
      this.#targets[row] = this.#targets[row]! * this.#retained + input * target;
      for (let column = 0; column < size; column++) {
        const at = row * size + column;
        this.#products[at] = this.#products[at]! * this.#retained + input * inputs[column]!;
      }
    }
  }

  /** Coefficients; `strength` is the sum of squared inputs that what was seen must have to outweigh the prior. */
  coefficients(prior: Float64Array, strength: number): Float64Array {
    const size = this.#size;
    const matrix = this.#products.slice();
    const solution = this.#targets.slice();
    for (let row = 0; row < size; row++) {
      matrix[row * size + row]! += strength;
      solution[row]! += strength * prior[row]!;
    }
    return solve(matrix, solution, size);
  }
}

/** Gaussian elimination in place; a symmetric positive definite matrix, as a ridge makes it, needs no pivots. */
function solve(matrix: Float64Array, solution: Float64Array, size: number): Float64Array {
  for (let pivot = 0; pivot < size; pivot++) {
    for (let row = pivot + 1; row < size; row++) {
      const factor = matrix[row * size + pivot]! / matrix[pivot * size + pivot]!;
      for (let column = pivot; column < size; column++)
        matrix[row * size + column]! -= factor * matrix[pivot * size + column]!;
      solution[row]! -= factor * solution[pivot]!;
    }
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let column = row + 1; column < size; column++)
      solution[row]! -= matrix[row * size + column]! * solution[column]!;
    solution[row]! /= matrix[row * size + row]!;
  }
  return solution;
}
