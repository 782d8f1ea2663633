/* What the environment says about the processes that were started together. */
#include "dist/comm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

/* Variables of a case, names and values by turns. */
static const char *const *variables;

static const char *get(const char *name)
{
    for (size_t i = 0; variables[i]; i += 2)
        if (strcmp(variables[i], name) == 0)
            return variables[i + 1];
    return NULL;
}

static void expect(const char *const *given, int size, int rank)
{
    variables = given;
    assert_int_equal(rt__comm_promised(get), size);
    assert_int_equal(rt__comm_promised_rank(get), rank);
}

#define GIVEN(...) ((const char *const[]){__VA_ARGS__, NULL})

static void a_process_of_its_own_is_alone(void **state)
{
    (void)state;
    expect(GIVEN("PATH", "/bin"), 1, 0);
    /* A shell inside an allocation, where nobody started processes of this program. */
    expect(GIVEN("SLURM_NTASKS", "16", "SLURM_PROCID", "0"), 1, 0);
    /* srun of programs that have nothing to do with each other. */
    expect(GIVEN("SLURM_STEP_NUM_TASKS", "16", "SLURM_PROCID", "3"), 1, 0);
    expect(GIVEN("OMPI_COMM_WORLD_SIZE", "16"), 1, 0);
    expect(GIVEN("OMPI_COMM_WORLD_SIZE", "many", "OMPI_COMM_WORLD_RANK", "x"), 1, 0);
}

static void launchers_are_known(void **state)
{
    (void)state;
    expect(GIVEN("OMPI_COMM_WORLD_SIZE", "16", "OMPI_COMM_WORLD_RANK", "3"), 16, 3);
    expect(GIVEN("SLURM_STEP_NUM_TASKS", "16", "PMIX_RANK", "4"), 16, 4);
    expect(GIVEN("SLURM_STEP_NUM_TASKS", "16", "PMI_RANK", "5"), 16, 5);
    expect(GIVEN("PMI_SIZE", "16", "PMI_RANK", "6"), 16, 6);
}

static void it_can_be_turned_off(void **state)
{
    (void)state;
    expect(GIVEN("RETRAIN_MPI", "off", "OMPI_COMM_WORLD_SIZE", "16", "OMPI_COMM_WORLD_RANK", "3"), 1, 0);
}

static void alone_there_is_nobody_to_talk_to(void **state)
{
    rt_comm *comm = NULL;
    rt_buffer bytes = {0};
    rt_error err;
    int from = 7;
    (void)state;
    assert_int_equal(rt__comm_open(&comm, &err), RT_OK);
    assert_int_equal(comm->rank, 0);
    assert_int_equal(comm->size, 1);
    assert_int_equal(comm->calls->send(comm, 1, "x", 1, &err), RT_EARG);
    assert_int_equal(comm->calls->receive(comm, 0, &bytes, &from, &err), RT_OK);
    assert_int_equal(from, -1);
    rt__comm_close(comm, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_of_its_own_is_alone),
        cmocka_unit_test(launchers_are_known),
        cmocka_unit_test(it_can_be_turned_off),
        cmocka_unit_test(alone_there_is_nobody_to_talk_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
