#include "data/exponential.h"

#include <complex.h>

/* phi_k(z) = sum z^j / (j + k)! for k = 0..3: by phi_{k+1} = (phi_k - 1 / k!) / z, where that does
 * not cancel digits, else by the sum. */
static void fill_phi(double complex z, double complex phi[4])
{
    enum { TERMS = 22 };
    double factorial = 1.0;
    phi[0] = cexp(z);
    for (int k = 1; k < 4; k++) {
        if (cabs(z) > 1.0) {
            phi[k] = (phi[k - 1] - 1.0 / factorial) / z;
            factorial *= k;
        } else {
            factorial *= k;
            phi[k] = 1.0;
            for (int j = TERMS; j >= 1; j--)
                phi[k] = 1.0 + phi[k] * z / (double)(j + k);
            phi[k] /= factorial;
        }
    }
}

void fc__exponential_factors(double real, double imaginary, double h,
                             fc__complex factors[FC__EXPONENTIAL_FACTORS])
{
    double complex z = h * real + I * (h * imaginary), half[4], phi[4];
    fill_phi(0.5 * z, half);
    fill_phi(z, phi);
    const double complex values[FC__EXPONENTIAL_FACTORS] = {
        [FC__HALF] = half[0],
        [FC__WHOLE] = phi[0],
        [FC__FIRST] = 0.5 * h * half[1],
        [FC__START] = h * (phi[1] - 3.0 * phi[2] + 4.0 * phi[3]),
        [FC__MIDDLE] = h * (2.0 * phi[2] - 4.0 * phi[3]),
        [FC__END] = h * (4.0 * phi[3] - phi[2]),
    };
    for (int i = 0; i < FC__EXPONENTIAL_FACTORS; i++) {
        factors[i][0] = creal(values[i]);
        factors[i][1] = cimag(values[i]);
    }
}
