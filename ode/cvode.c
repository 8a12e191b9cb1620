#include "ode/cvode.h"
#include "inr/support.h"
#include "ode/batch_vector.h"

#include <cvode/cvode.h>
#include <math.h>
#include <stdlib.h>
#include <sundials/sundials_version.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

_Static_assert(sizeof(sunrealtype) == sizeof(double), "SUNDIALS must be built in double precision");

struct fc__cvode {
    fc__cvode_problem problem;
    SUNContext sundials;
    void *memory;
    N_Vector state, between;
    SUNNonlinearSolver fixed_point;
    SUNLinearSolver krylov;
    long steps;
    double time;
};

/* ---------------------------------------------------------------- callbacks */

static int evaluate(sunrealtype t, N_Vector z, N_Vector dz, void *user)
{
    (void)t;
    fc__space *space = ((const fc__cvode *)user)->problem.space;
    return space->operations->eval(space, fc__batch_vector_values(z), fc__batch_vector_values(dz));
}

/* -1 where a weight is infinite, as CVODE expects */
static int weigh(N_Vector z, N_Vector weights, void *user)
{
    const fc__cvode_problem *problem = &((const fc__cvode *)user)->problem;
    fc__space *space = problem->space;
    bool finite =
        space->operations->weigh(space, problem->rtol, problem->atol, fc__batch_vector_values(z),
                                 fc__batch_vector_values(weights));
    return finite ? 0 : -1;
}

static int multiply_jacobian(N_Vector v, N_Vector jv, sunrealtype t, N_Vector z, N_Vector dz,
                             void *user, N_Vector spare)
{
    (void)t;
    (void)dz;
    (void)spare;
    fc__space *space = ((const fc__cvode *)user)->problem.space;
    return space->operations->jvp(space, fc__batch_vector_values(z), fc__batch_vector_values(v),
                                  fc__batch_vector_values(jv));
}

#if SUNDIALS_VERSION_MAJOR >= 7
static int silence(fc__cvode *cvode)
{
    return SUNContext_ClearErrHandlers(cvode->sundials);
}
#else
/* Failures are reported through flags; nothing goes to stderr. */
static void ignore_error(int code, const char *module, const char *function, char *text, void *user)
{
    (void)code;
    (void)module;
    (void)function;
    (void)text;
    (void)user;
}

static int silence(fc__cvode *cvode)
{
    return CVodeSetErrHandlerFn(cvode->memory, ignore_error, NULL);
}
#endif

static int create_sundials_context(SUNContext *sundials)
{
#if SUNDIALS_VERSION_MAJOR >= 7
    return SUNContext_Create(SUN_COMM_NULL, sundials);
#else
    return SUNContext_Create(NULL, sundials);
#endif
}

/* ---------------------------------------------------------------- life */

/* Adams iterates to a fixed point; BDF solves Newton's equations (with CVODE's own Newton) by GMRES
 * without ever forming the Jacobian. */
static int attach_solver(fc__cvode *cvode)
{
    enum { KRYLOV_DIMENSION = 20 };
    int flag;
    if (cvode->problem.method == FC_ODE_ADAMS) {
        cvode->fixed_point = SUNNonlinSol_FixedPoint(cvode->state, 0, cvode->sundials);
        if (!cvode->fixed_point)
            return CV_MEM_FAIL;
        return CVodeSetNonlinearSolver(cvode->memory, cvode->fixed_point);
    }
    cvode->krylov = SUNLinSol_SPGMR(cvode->state, SUN_PREC_NONE, KRYLOV_DIMENSION, cvode->sundials);
    if (!cvode->krylov)
        return CV_MEM_FAIL;
    if ((flag = CVodeSetLinearSolver(cvode->memory, cvode->krylov, NULL)) < 0 ||
        (flag = CVodeSetJacTimes(cvode->memory, NULL, multiply_jacobian)) < 0)
        return flag;
    /* From the tolerance on a sample's root mean square to that on the length of the residual. */
    return CVodeSetLSNormFactor(cvode->memory, sqrt((double)cvode->problem.space->codes));
}

static int set_up(fc__cvode *cvode)
{
    int flag = CVodeInit(cvode->memory, evaluate, 0.0, cvode->state);
    if (flag < 0 || (flag = CVodeSetUserData(cvode->memory, cvode)) < 0 ||
        (flag = CVodeWFtolerances(cvode->memory, weigh)) < 0 ||
        (flag = CVodeSetMaxHnilWarns(cvode->memory, -1)) < 0)
        return flag;
    return attach_solver(cvode);
}

fc_status fc__cvode_create(fc_context *context, const fc__cvode_problem *problem, const double *z0,
                           fc__cvode **cvode, int *flag)
{
    *cvode = NULL;
    *flag = 0;
    fc_status status = FC_OK;
    fc__cvode *made = NULL;
    fc__space *space = problem->space;
    FC_NEW(context, &made, 1);
    made->problem = *problem;
    status = FC_ERROR_MEMORY;
    if (create_sundials_context(&made->sundials) != 0)
        goto done;
    made->memory = CVodeCreate(problem->method == FC_ODE_ADAMS ? CV_ADAMS : CV_BDF, made->sundials);
    made->state = fc__batch_vector_create(space, made->sundials);
    if (!made->memory || !made->state || silence(made) != 0)
        goto done;
    made->between = N_VClone(made->state);
    if (!made->between)
        goto done;
    space->operations->write(space, fc__batch_vector_values(made->state), z0);
    *flag = set_up(made);
    if (*flag == CV_MEM_FAIL)
        goto done;
    status = space->status != FC_OK ? space->status : *flag < 0 ? FC_ERROR_SOLVER : FC_OK;
    if (status == FC_OK) {
        *cvode = made;
        made = NULL;
    }
done:
    fc__cvode_destroy(made);
    return status;
}

void fc__cvode_destroy(fc__cvode *cvode)
{
    if (!cvode)
        return;
    CVodeFree(&cvode->memory);
    if (cvode->fixed_point)
        SUNNonlinSolFree(cvode->fixed_point);
    if (cvode->krylov)
        SUNLinSolFree(cvode->krylov);
    if (cvode->state)
        N_VDestroy(cvode->state);
    if (cvode->between)
        N_VDestroy(cvode->between);
    SUNContext_Free(&cvode->sundials);
    free(cvode);
}

int fc__cvode_step(fc__cvode *cvode, double end, double *time)
{
    *time = cvode->time;
    if (cvode->steps >= cvode->problem.max_steps)
        return CV_TOO_MUCH_WORK;
    int flag = CVode(cvode->memory, end, cvode->state, &cvode->time, CV_ONE_STEP);
    if (flag >= 0)
        *time = cvode->time;
    cvode->steps++;
    return flag;
}

const double *fc__cvode_state(const fc__cvode *cvode)
{
    return fc__batch_vector_values(cvode->state);
}

int fc__cvode_interpolate(fc__cvode *cvode, double time, const double **z)
{
    *z = fc__batch_vector_values(cvode->between);
    return CVodeGetDky(cvode->memory, time, 0, cvode->between);
}

fc__cvode_statistics fc__cvode_get_statistics(const fc__cvode *cvode)
{
    fc__cvode_statistics statistics = {0};
    long products = 0;
    CVodeGetNumSteps(cvode->memory, &statistics.steps);
    CVodeGetNumRhsEvals(cvode->memory, &statistics.evaluations);
    CVodeGetNumErrTestFails(cvode->memory, &statistics.error_failures);
    CVodeGetLastOrder(cvode->memory, &statistics.last_order);
    CVodeGetLastStep(cvode->memory, &statistics.last_step);
    if (cvode->krylov && CVodeGetNumJtimesEvals(cvode->memory, &products) == CV_SUCCESS)
        statistics.evaluations += products;
    return statistics;
}

void fc__cvode_flag_name(int flag, char name[FC_NAME_SIZE])
{
    char *text = CVodeGetReturnFlagName(flag);
    fc__copy_name(name, text);
    free(text);
}
